"""How a place is reached: requests, robots.txt, WebSockets, mailboxes; each to public addresses only."""
