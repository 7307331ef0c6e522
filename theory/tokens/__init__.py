"""Tokens: one vocabulary, its grammar, and the codec between scores and token ids."""

from theory.tokens.grammar import Grammar, grammar_mask, grammar_of
from theory.tokens.settings import SHIPPED, Settings
from theory.tokens.state import State
from theory.tokens.tokenizer import Tokenizer
from theory.tokens.vocabulary import EXPRESSIVE, VOCABULARY, Kind, Vocabulary

__all__ = [
    "EXPRESSIVE", "SHIPPED", "VOCABULARY", "Grammar", "Kind", "Settings", "State", "Tokenizer", "Vocabulary",
    "grammar_mask", "grammar_of",
]  # fmt: skip
