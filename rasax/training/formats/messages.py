"""What is said of texts that are not taken. Marked for translation; translated where they are shown."""

from __future__ import annotations


def gettext_noop(message: str) -> str:
    """Marks a sentence for the tools that gather translations, without Django."""
    return message


NO_YAML = gettext_noop("This cannot be read as YAML. Correct the line.")
TAB = gettext_noop("A tab stands where YAML wants spaces. Put spaces there.")
TOO_LARGE = gettext_noop("The file is larger than 32 million characters. Split it into several files.")
TOO_DEEP = gettext_noop("Lists and keys stand in each other more than 100 levels deep. Make it flatter.")
TOO_MANY_NODES = gettext_noop(
    "The file holds too many values, or its aliases stand for too many. Split it, or write out the aliases."
)
RECURSIVE = gettext_noop("An alias stands for something that it is itself a part of. Write out what is meant.")
ALIAS_OF_NOTHING = gettext_noop(
    "An alias has no anchor above it in this file. Add the anchor, or write out what is meant."
)
DUPLICATE_KEY = gettext_noop(
    "A key stands twice in the same place (its lines are named). Remove one, or put what is below both under one."
)
MORE_DOCUMENTS = gettext_noop(
    "The file holds more than one YAML document, and Rasa reads only one. Split it at “---” into several files."
)
OWN_TAG = gettext_noop("Rasa reads no tags such as this one. Remove it.")
UNPRINTABLE = gettext_noop(
    "There is a character that YAML does not allow. Remove it, or write it as an escape in double quotes."
)
NO_NUL = gettext_noop("There is a NUL character, which no text holds. Remove it.")
NOT_UTF8 = gettext_noop("The file is not encoded as UTF-8. Save it as UTF-8.")
NO_MAPPING = gettext_noop("The file has no keys at its top, such as “nlu:” or “stories:”. Put what it holds below one.")
NOT_RASAS = gettext_noop("The file has no key that Rasa reads. It is kept as it is, and nothing is learned from it.")
NOT_ONE = gettext_noop("What was written is not one item of its section. Write one item, indented as those beside it.")
BAD_NAME = gettext_noop("A name has no line breaks, and does not begin or end with a blank. Correct it.")
BAD_ENTITY = gettext_noop("An entity lies outside of its text, or overlaps another one. Mark it anew.")
NOT_WRITABLE = gettext_noop(
    "Rasa's format cannot express this example, for it would be read otherwise. Leave out brackets and braces."
)
EMPTY_EXAMPLE = gettext_noop("An example has no text. Write one.")
GONE = gettext_noop("It was removed meanwhile by somebody else. Look at the page again.")
CHANGED_MEANWHILE = gettext_noop(
    "Somebody else changed the same lines meanwhile. Look at them, and make your change again."
)
NO_SUCH_FILE = gettext_noop("There is no such file.")
NO_PATH = gettext_noop(
    "A file's path is relative to the project, ends in .yml or .yaml, and leads to no hidden folder."
)
SECTION_IN_LINE = gettext_noop(
    "The section is written in one line, so nothing can be put into it. Write it over several lines first."
)
UNDONE = gettext_noop("This change was undone before.")
PLAN_IS_OLD = gettext_noop("The training data changed since this was shown. Look at the differences again.")
NOT_READABLE_SO = gettext_noop(
    "The file could not be read any more, for what stands around these lines changed since. Edit the file instead."
)
NO_LIST = gettext_noop("This is written in a way that cannot be changed in parts. Edit its text instead.")
INTENT_EXISTS = gettext_noop("There is an intent of this name. Choose another one, or merge the two.")
NO_SUCH_INTENT = gettext_noop("There is no intent of this name.")
SLASH_STAYS = gettext_noop(
    "The part of a name after “/” says which answer is meant, so a name with one keeps it, and one without gets none."
)
NAME_EXISTS = gettext_noop("There is one of this name. Choose another name.")
NO_SUCH_NAME = gettext_noop("There is nothing of this name.")
NOT_A_STORY = gettext_noop(
    "There is no story, rule or test of this kind in the text. Begin an item with “- story:” or “- rule:”."
)
NO_STEPS = gettext_noop("It has no steps. Write them below “steps:”.")
