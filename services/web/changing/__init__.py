"""Changing one section of a referral or a case after it was sent: one way for all of them."""
