"""A Hub manager's day: what presses, who carries how much, why whom, placing by hand, and what is kept."""
