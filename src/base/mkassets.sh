#!/bin/sh
# mkassets.sh RUNNER FILE... - writes the assembly that embeds them and the table asset.c reads.
set -eu
printf '\t.section .rodata\n'
i=0
for f in "$@"; do
	printf '\t.balign 16\nasset_data_%d: .incbin "%s"\nasset_end_%d: .byte 0\nasset_name_%d: .asciz "%s"\n' \
		"$i" "$f" "$i" "$i" "$(if [ "$i" = 0 ]; then echo runner; else echo "$f"; fi)"
	i=$((i + 1))
done
printf '\t.section .data.rel.ro,"aw"\n\t.balign 8\n\t.globl asset_table\nasset_table:\n'
n=$i
i=0
while [ "$i" -lt "$n" ]; do
	printf '\t.quad asset_name_%d, asset_data_%d, asset_end_%d - asset_data_%d\n' "$i" "$i" "$i" "$i"
	i=$((i + 1))
done
printf '\t.globl asset_count\n\t.balign 8\nasset_count: .quad %d\n\t.section .note.GNU-stack,"",@progbits\n' "$n"
