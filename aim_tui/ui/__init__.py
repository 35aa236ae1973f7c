"""The application: keys, panes and screens. It never waits for a model and never imports one."""
