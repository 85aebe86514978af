# Answers one HTTP request: with its first line and how many bytes were sent with it; where a WebSocket is asked for, with all that it is
# sent. Run by busybox: nc -ll -p 8080 -e sh THIS
cr=$(printf '\r')
key=
length=0
IFS= read -r line
while IFS= read -r head; do
  head=${head%"$cr"}
  [ -z "$head" ] && break
  case $head in
    [Ss]ec-[Ww]eb[Ss]ocket-[Kk]ey:*) key=${head#*: } ;;
    [Cc]ontent-[Ll]ength:*) length=${head#*: } ;;
  esac
done
if [ -n "$key" ]; then
  sum=$(printf '%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11' "$key" | sha1sum | cut -c1-40 | sed 's/../\\x&/g')
  accept=$(printf "$sum" | base64)
  printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n' "$accept"
  exec cat
fi
count=$(head -c "$length" | wc -c)
printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s\n%s' "${line%"$cr"}" "$count"
