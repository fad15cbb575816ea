# Program, operation: `flow` is the device grant, `code` a sign-in by a browser.
program=$1
case $2 in
flow) exec "$program" sso login --sso-session device-grant --use-device-code --no-browser ;;
*) exec "$program" sso login --sso-session device-grant ;;
esac
