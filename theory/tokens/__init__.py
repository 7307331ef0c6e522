"""Tokens: one vocabulary, its grammar, and the codec between scores and token ids."""

from theory.tokens.grammar import grammar_mask
from theory.tokens.state import State
from theory.tokens.tokenizer import Tokenizer
from theory.tokens.vocabulary import VOCABULARY, Kind, Vocabulary

__all__ = ["VOCABULARY", "Kind", "State", "Tokenizer", "Vocabulary", "grammar_mask"]
