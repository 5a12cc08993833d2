"""Forms: fields, one button, and the result below it."""

from labkit.views.forms.basic import NamesPreview, action_button, backend_form, choice_form, student_number_form

__all__ = ["NamesPreview", "action_button", "backend_form", "choice_form", "student_number_form"]
