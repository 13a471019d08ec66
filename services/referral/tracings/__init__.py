"""From a referral, or an agency's reference, to the young person: two auditors together."""
