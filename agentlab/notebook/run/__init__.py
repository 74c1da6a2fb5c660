"""One run on display: its events folded into a view model, told to a live widget, left behind as a still picture."""
