#!/bin/sh
# roman.sh N - prints N (1 to 3999) as a Roman numeral.
n=$1
out=
while [ "$n" -gt 0 ]; do
	if [ "$n" -ge 1000 ]; then out=${out}M n=$((n - 1000))
	elif [ "$n" -ge 500 ]; then out=${out}D n=$((n - 500))
	elif [ "$n" -ge 100 ]; then out=${out}C n=$((n - 100))
	elif [ "$n" -ge 50 ]; then out=${out}L n=$((n - 50))
	elif [ "$n" -ge 10 ]; then out=${out}X n=$((n - 10))
	elif [ "$n" -ge 5 ]; then out=${out}V n=$((n - 5))
	else out=${out}I n=$((n - 1))
	fi
done
echo "$out"
