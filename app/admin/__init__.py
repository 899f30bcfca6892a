"""What administrators see and do, through the services of the others."""
