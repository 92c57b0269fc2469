#!/usr/bin/env bash
# What no file of the repository may hold: conflict markers, paths of somebody's machine, hosts of package registries,
# and the wording that scripts/prose.tsv lists. Each finding is printed as FILE:LINE.
#   scripts/check-text.sh            fails when it finds something
#   scripts/check-text.sh --update   takes files that are clean now off scripts/prose-exceptions.txt
#   scripts/check-text.sh --accept   the same, and puts files with findings on it: only for files that were moved or split
#
# Files on that list have wording from before this check. A file that is not on it, each new one included, is checked.
set -euo pipefail
cd "$(dirname "$0")/.."

words=scripts/prose.tsv exceptions=scripts/prose-exceptions.txt
# Files that nobody writes by hand, and texts of others.
not_prose=(':!*.lock' ':!*go.sum' ':!*package-lock.json' ':!*.snap' ':!LICENSE' ':!tests/traces' ':!*/testdata' ":!$words" ":!$exceptions")

# Lines of text files that match, new files included. Finding nothing is an answer; a wrong pattern is not.
search() { # options and pattern of git grep, pathspecs
  git grep --untracked -nI "$@" || [ $? = 1 ]
}

failed=
report() { # what it is, findings
  [ -n "$2" ] || return 0
  printf 'check-text: %s:\n%s\n' "$1" "$2" >&2
  failed=yes
}

report 'conflict markers' "$(search -E '^(<<<<<<<|>>>>>>>)( |$)')"
report 'paths of a machine' "$(search -E '(^|[^A-Za-z0-9_.$}-])/(work|root|home/[a-z]+)/' -- ':!*.snap' ':!*/testdata')"
report 'hosts of package registries' \
  "$(search -iE '(^|[^a-z0-9.-])((index|static|registry|proxy|deb|security|repo1?|files)\.[a-z0-9-]+|[a-z0-9.-]*artifactory[a-z0-9-]*)\.(com|dev|io|net|org)' \
    -- ':!*go.sum' | grep -vE '\.example\.(com|org)' || true)"

# FILE, LINE, match and advice, separated by tabs.
wording() {
  local pattern advice
  while IFS=$'\t' read -r pattern advice; do
    # An underscore separates words: identifiers are prose as well.
    search --null -oiP "(?<![a-z])(?:$pattern)(?![a-z])" -- "${not_prose[@]}" | sed "s|\x00|\t|g; s|$|\t$advice|"
  done < <(grep -v '^#' "$words")
}
findings=$(wording | sort -u)
unclean=$(cut -f 1 <<<"$findings" | sort -u)
case ${1:-} in
  --update) kept=$(grep -Fx "$unclean" "$exceptions" || true) ;;
  --accept) kept=$unclean ;;
  *) kept=$(cat "$exceptions") ;;
esac
[ $# = 0 ] || printf '%s\n' "$kept" | sed '/^$/d' >"$exceptions"
report 'wording' "$(awk -F '\t' -v exceptions="$exceptions" '
  BEGIN { while ((getline file <exceptions) > 0) skip[file] }
  NF && !($1 in skip) { print $1 ":" $2 ": \"" $3 "\": write " $4 }' <<<"$findings")"
report 'these files are clean now; scripts/check-text.sh --update takes them off the list of exceptions' \
  "$(grep -vFx "$unclean" "$exceptions" || true)"
[ -z "$failed" ]
