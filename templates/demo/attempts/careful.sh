#!/bin/sh
# careful.sh - reads, tries, makes the smallest change that is right. Coloured.
# the dollars belong to the file that is written
# shellcheck disable=SC2016
say()
{
	printf '\033[1;32m●\033[0m \033[1m%s\033[0m\n' "$1"
	sleep 0.7
}
out()
{
	printf '  \033[2m%s\033[0m\n' "$1"
	sleep 0.3
}
say "Task: $YOLO_PROMPT"
say 'Read(roman.sh)'
out '16 lines: takes away the largest letter until nothing is left'
say 'Bash(sh check.sh)'
sh check.sh | while read -r line; do
	case $line in
	not*) printf '  \033[31m%s\033[0m\n' "$line" ;;
	*) printf '  \033[32m%s\033[0m\n' "$line" ;;
	esac
done
say 'Think'
out 'the letters are right, the six pairs that take away are missing:'
out 'CM CD XC XL IX IV'
say 'Edit(roman.sh)'
while IFS= read -r line; do
	case $line in
	*'-ge 500'*) echo '	elif [ "$n" -ge 900 ]; then out=${out}CM n=$((n - 900))' ;;
	*'-ge 100 '*) echo '	elif [ "$n" -ge 400 ]; then out=${out}CD n=$((n - 400))' ;;
	*'-ge 50 '*) echo '	elif [ "$n" -ge 90 ]; then out=${out}XC n=$((n - 90))' ;;
	*'-ge 10 '*) echo '	elif [ "$n" -ge 40 ]; then out=${out}XL n=$((n - 40))' ;;
	*'-ge 5 '*) echo '	elif [ "$n" -ge 9 ]; then out=${out}IX n=$((n - 9))' ;;
	*else*) echo '	elif [ "$n" -ge 4 ]; then out=${out}IV n=$((n - 4))' ;;
	esac
	printf '%s\n' "$line"
done <roman.sh >roman.new
mv roman.new roman.sh
out '+6 lines'
say 'Bash(sh check.sh)'
sh check.sh | tail -n 3
say 'Done: 10 of 10'
