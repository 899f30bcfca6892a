"""What runs the product on a developer's machine: servers, a mail catcher, `make run`."""
