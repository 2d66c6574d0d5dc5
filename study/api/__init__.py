"""What a notebook needs: plans, runs, launches and statistics as plain functions. ``import study`` exports them."""
