#!/usr/bin/env bash
# Sets up and passes the tests: bash tests/run.sh [pytest's words]        (-m long: the longest ones, which are left out otherwise)
# Uses the active virtual environment, else makes .venv beside app.py. Chromium: the one on PATH, else apt as root, else Playwright's own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=${PYTHON:-python3}
if [ -z "${VIRTUAL_ENV:-}" ]; then
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    python=.venv/bin/python
else
    python=$VIRTUAL_ENV/bin/python
fi
"$python" -m pip install --quiet --disable-pip-version-check -r requirements.txt -r tests/requirements.txt

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome || true; }
if [ -z "$(find_chromium)" ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
    else
        "$python" -m playwright install chromium
    fi
fi
export LEHRLING_CHROMIUM="$(find_chromium)"

"$python" -m ruff check app.py phases tests
exec "$python" -m pytest -q -p no:cacheprovider -m "not long" tests "$@"
