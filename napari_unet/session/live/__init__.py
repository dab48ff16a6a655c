"""What is in view is predicted while a person looks around."""
