"""The rules of the referral service, a file per topic. Pure."""
