"""The networks, in Keras 3. Importing a module of this package loads TensorFlow; composing never does."""
