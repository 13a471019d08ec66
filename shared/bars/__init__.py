"""Messages of the NHS Booking and Referral Standard that go out: in an answer, and to a webhook."""
