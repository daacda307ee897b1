#!/bin/sh
# Follows a newswire feed with curl alone, and goes on where it was.
#
#     follow.sh http://127.0.0.1:8787/v1/feeds/news-feed/live position.txt
#
# Prints the JSON of each change on a line. A server-sent event is a few lines: `id: POSITION` where it moves the
# position, `data: JSON`, and an empty line, at which the event is whole. Only then is the position kept. Started again,
# it goes on from there; the server may be restarted meanwhile.
set -eu
door=$1 file=$2
pause=1

while :; do
    position=$(cat "$file" 2>/dev/null || echo 0)
    curl --silent --show-error --no-buffer --fail --connect-timeout 10 --speed-limit 1 --speed-time 40 \
        -H 'Accept: text/event-stream' -H "Last-Event-ID: $position" "$door" |
        {
            id='' data=''
            while IFS= read -r line; do
                case $line in
                'id: '*) id=${line#id: } ;;
                'data: '*) data=${line#data: } ;;
                '')
                    case $data in
                    *'"type":"bye"'*'"reason":"gone"'*) exit 3 ;;
                    *'"type":"item.'* | *'"type":"snapshot"'* | *'"type":"reset"'*) printf '%s\n' "$data" ;;
                    esac
                    # Renamed into place: a crash leaves the old position or the new one, never half of one.
                    if [ -n "$id" ]; then
                        printf '%s' "$id" >"$file.new" && mv "$file.new" "$file"
                    fi
                    id='' data=''
                    ;;
                esac
            done
        } || {
        # 3: the feed is gone, and does not come back.
        [ $? = 3 ] && exit 3
    }
    # The pause grows while nothing is heard.
    if [ "$(cat "$file" 2>/dev/null || echo 0)" = "$position" ]; then
        pause=$((pause < 30 ? pause * 2 : 30))
    else
        pause=1
    fi
    sleep "$pause"
done
