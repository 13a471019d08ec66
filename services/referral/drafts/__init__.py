"""What a referrer has written and not sent: theirs alone, sealed, and gone after a month."""
