"""What whoever runs the product does from the shell: look after it, save it, bring it back."""
