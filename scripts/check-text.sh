#!/usr/bin/env bash
# Searches all files for text that must not be in the repository: conflict markers, absolute paths of a machine, hosts of
# package registries, and the wording in scripts/prose.tsv. Prints each finding as FILE:LINE and fails if there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

words=scripts/prose.tsv
# Generated files, and texts from elsewhere.
not_prose=(':!*.lock' ':!*go.sum' ':!*package-lock.json' ':!*.snap' ':!LICENSE' ':!tests/traces' ':!*/testdata' ":!$words")

# Matching lines of text files, including untracked ones. No match is not an error, but an invalid pattern is.
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

# Prints FILE, LINE, match and advice, separated by tabs.
wording() {
  local pattern advice
  while IFS=$'\t' read -r pattern advice; do
    # An underscore separates words, because identifiers are checked too.
    search --null -oiP "(?<![a-z])(?:$pattern)(?![a-z])" -- "${not_prose[@]}" | sed "s|\x00|\t|g; s|$|\t$advice|"
  done < <(grep -v '^#' "$words")
}
report 'wording' "$(wording | sort -u | awk -F '\t' '{ print $1 ":" $2 ": \"" $3 "\": write " $4 }')"
[ -z "$failed" ]
