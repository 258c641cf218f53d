"""What the scripts share: from flags to a run and its folder."""
