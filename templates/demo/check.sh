#!/bin/sh
# check.sh - the test of roman.sh, as TAP.
echo 1..10
i=0
bad=0
while read -r n want; do
	i=$((i + 1))
	got=$(sh roman.sh "$n")
	if [ "$got" = "$want" ]; then
		echo "ok $i - $n is $want"
	else
		echo "not ok $i - $n is $want, not $got"
		bad=$((bad + 1))
	fi
	sleep 0.1
done <<END
1 I
3 III
8 VIII
4 IV
9 IX
14 XIV
40 XL
90 XC
1994 MCMXCIV
3999 MMMCMXCIX
END
[ "$bad" -eq 0 ]
