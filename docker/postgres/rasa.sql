-- The tracker store of the Rasa servers: the same server as rasax's, another database.
CREATE DATABASE rasa;
