"""What other programs see over HTTP: is it alive, is it ready."""
