"""What real referral forms ask beside the young person: people, whereabouts, status, background."""
