#!/bin/sh
# hasty.sh - breaks off with an error.
echo "task: $YOLO_PROMPT"
sleep 1
echo 'converting roman.sh to another language ...'
sleep 2
echo '# begun, not finished' >>roman.sh
printf '%s\n' 'Traceback (most recent call last):' '  File "convert", line 12, in convert_all' '    translate(tree.body)' \
	'TypeError: cannot translate a here-document' >&2
sleep 1
echo 'giving up' >&2
exit 1
