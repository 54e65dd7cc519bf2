"""One bare machine: embedded servers, the demo, the mail catcher, the checks. The product never imports this."""
