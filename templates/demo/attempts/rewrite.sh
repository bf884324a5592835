#!/bin/sh
# rewrite.sh - throws all away and begins anew; a progress bar.
bar()
{
	p=0
	while [ "$p" -le 100 ]; do
		full=$(printf '%*s' $((p / 5)) '' | tr ' ' '#')
		printf '\r%-10s [%-20s] %3d%%' "$1" "$full" "$p"
		p=$((p + 4))
		sleep 0.14
	done
	echo
}
echo "task: $YOLO_PROMPT"
bar reading
bar planning
cat >roman.sh <<'END'
#!/bin/sh
# roman.sh N - prints N (1 to 3999) as a Roman numeral, by one table.
set -eu

usage()
{
	echo "usage: roman.sh N, N from 1 to 3999" >&2
	exit 2
}

case ${1-} in
'' | *[!0-9]*) usage ;;
esac
n=$1
[ "$n" -ge 1 ] && [ "$n" -le 3999 ] || usage

out=
while read -r value letters; do
	while [ "$n" -ge "$value" ]; do
		out=$out$letters
		n=$((n - value))
	done
done <<TABLE
1000 M
900 CM
500 D
400 CD
100 C
90 XC
50 L
40 XL
10 X
9 IX
5 V
4 IV
1 I
TABLE
echo "$out"
END
bar writing
printf '%s\n' '' '## Numbers' '' 'From 1 to 3999; anything else is refused.' >>README.md
echo 'roman.sh and README.md rewritten'
