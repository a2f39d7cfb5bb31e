#!/usr/bin/env bash
# What an honest shell script does.
set -euo pipefail
diff <(printf 'a\nb\n') <(printf 'a\nb\n')
[[ $(cat <<< here) == here ]]
cat <<'END' | sort | tail -n 1
z
END
echo one | tee >(cat > /dev/null) | wc -l
exec 5<> file; echo x >&5; exec 5>&-
coproc CAT { cat; }; echo hi >&"${CAT[1]}"; read -r line <&"${CAT[0]}"; echo "$line"
trap 'echo trapped' USR1; kill -USR1 $$
mkdir -p a/b; cp file a/b/; mv a/b/file a/other; ln -s other a/link; chmod 755 a/other
find a -type f -print0 | xargs -0 ls
awk 'BEGIN { print 1 + 1 }'; tar -cf - a | tar -tf - | wc -l; gzip -c file | zcat
sort -o sorted file; sleep 0 & wait $!; mktemp > /dev/null; date > /dev/null; rm -r a
