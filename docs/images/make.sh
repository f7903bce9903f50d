#!/bin/sh
# Makes the pictures of the README: runs the program on the shipped project `shop`, in a folder that is removed afterwards, and
# takes pictures of what it prints and of the report page with a headless Chromium (tests/browser.sh finds one).
#
#     docs/images/make.sh            # builds the program first
#     docs/images/make.sh PROGRAM    # uses a built one
#
# Times, rates and hashes differ from run to run; everything else is the same. Needs python3, and the font DejaVu for the same look.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
images=$root/docs/images
if [ $# -gt 0 ]; then
  program=$1
else
  cargo build --release --manifest-path "$root/Cargo.toml" >&2
  program=$(cargo metadata --no-deps --format-version 1 --manifest-path "$root/Cargo.toml" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/counterfoil
fi
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
browser=$(sh "$root/tests/browser.sh")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$root/migrations/shop" "$work/shop"
mkdir "$work/bin"
ln -s "$program" "$work/bin/counterfoil"
PATH=$work/bin:$PATH
CLICOLOR_FORCE=1
COUNTERFOIL_ACTOR=ada
export PATH CLICOLOR_FORCE COUNTERFOIL_ACTOR
cd "$work/shop"
counterfoil checkpoint --new-key > "$work/said" 2>&1

# A command as it is typed, with what it prints. Exit code 3 means done, but records were refused.
shown() {
  printf '\033[32m$\033[0m \033[1m%s\033[0m\n' "$*"
  "$@" 2>&1 || [ $? = 3 ]
}

{
  shown counterfoil load orders_v1 records/orders_v1.ndjson
  echo
  shown counterfoil apply --reason "cut-over"
  echo
  shown counterfoil trace orders_v1 ORD-2024-028
} > "$work/printed"
counterfoil report --html "$work/report.html" >> "$work/said" 2>&1

# picture PAGE WIDTH NAME: the whole page, twice as many pixels as it has.
picture() {
  set -- "file://$1" "$2" "$images/$3.png"
  flags="--headless --no-sandbox --disable-gpu --no-first-run --hide-scrollbars --force-device-scale-factor=2
    --disable-background-networking --disable-component-update --disable-sync --user-data-dir=$work/profile"
  # The page's last script has written its height into its title.
  # shellcheck disable=SC2086
  height=$("$browser" $flags --window-size="$2,600" --dump-dom "$1" 2> "$work/browser" |
    sed -n 's/.*<title>height \([0-9]*\)<.*/\1/p')
  # shellcheck disable=SC2086
  "$browser" $flags --window-size="$2,$height" --screenshot="$work/picture.png" "$1" 2> "$work/browser"
  python3 "$images/picture.py" shrink "$work/picture.png" > "$3"
  echo "$3: $(wc -c < "$3") bytes" >&2
}

python3 "$images/picture.py" terminal < "$work/printed" > "$work/terminal.html"
picture "$work/terminal.html" 860 terminal
python3 "$images/picture.py" report "$(uname -n)" < "$work/report.html" > "$work/excerpt.html"
picture "$work/excerpt.html" 1000 report
