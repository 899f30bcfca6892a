"""What buyers and sellers see of their own; reads only."""
