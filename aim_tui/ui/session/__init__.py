"""The state of the application, and the services that change it."""
