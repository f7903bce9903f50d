#!/bin/sh
# Prints the path of the headless Chromium in which the tests open the page of a run: the one that COUNTERFOIL_BROWSER
# names, else `chromium` on the path. Where there is none, Debian's package is installed, once for all tests that ask at the
# same time, but only if COUNTERFOIL_TEST_INSTALL or COUNTERFOIL_CI is set: a test run changes no machine unasked.
# Exit codes: 0 a browser, 1 none although one was asked for, 3 none and nothing was asked.
set -eu

found() {
  if [ -n "${COUNTERFOIL_BROWSER:-}" ]; then
    command -v -- "$COUNTERFOIL_BROWSER" && return
    echo "COUNTERFOIL_BROWSER names $COUNTERFOIL_BROWSER, which cannot be run: name a Chromium, or unset it" >&2
    exit 1
  fi
  command -v chromium
}

found && exit

if [ -z "${COUNTERFOIL_TEST_INSTALL:-}${COUNTERFOIL_CI:-}" ]; then
  cat >&2 << 'END'
NOT RUN: the tests that open the page of a run in a browser; there is no chromium here. To run them, either
  let the tests install Debian's, as root: COUNTERFOIL_TEST_INSTALL=1 cargo test
  or name one: COUNTERFOIL_BROWSER=/path/to/chromium cargo test
END
  exit 3
fi

# The tests of a run ask at once. The lock is on this file itself, so that nothing is left behind.
if command -v flock > /dev/null; then
  exec 9< "$0"
  flock 9
  found && exit
fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
  cat >&2 << 'END'
The page of a run is tested in a browser. There is none here, and only root can install one, with apt-get. Either
  as root: apt-get update && apt-get install -y --no-install-recommends chromium
  or name one: COUNTERFOIL_BROWSER=/path/to/chromium cargo test
END
  exit 1
fi

echo "There is no chromium here: installing Debian's." >&2
export DEBIAN_FRONTEND=noninteractive
# Another program may hold the lock of the lists, or a mirror be slow to answer.
for pause in 5 15 0; do
  if { apt-get update && apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 chromium; } >&2; then
    found && exit
    break
  fi
  sleep "$pause"
done
echo "Debian's chromium could not be installed; what apt-get says is above. Install it, or name one: COUNTERFOIL_BROWSER=FILE" >&2
exit 1
