"""Settings for tests of other things: a test is one client from one address, and in a hurry."""

UNLIMITED = {
    **{
        f"LIMIT_{name}": "1000000/second"
        for name in (
            *("CLIENT", "ADDRESS", "FAILED_TOKENS"),
            *("MAIL_CODES", "MAILS", "MAILBOX", "CHALLENGES", "SEARCHES"),
            *("CODES", "ALL_CODES", "TESTS", "TESTS_DAY"),
        )
    },
    "LIMIT_STREAMS": "1000",
    "LIMIT_OPEN": "1000",
    "LIMIT_CONNECTIONS": "5000",
    "LIMIT_ALL_CONNECTIONS": "5000",
}
