"""Forms, driven without a browser: nothing fails silently, and what is said is where a person looks."""

from __future__ import annotations

import logging
import threading

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from labkit.model.errors import InvalidInput, LabError, StepNotReady
from labkit.views.display import ProgressDisplay, show, show_error
from labkit.views.forms.basic import action_button, backend_form, choice_form, student_number_form
from labkit.views.forms.parts import LOCK, RUN_THIS_CELL, Form
from labkit.views.panels.basic import ActionResult, Note
from labkit.views.view import View
from tests.unit.views.form_driver import all_words, everything, message, press, press_enter
from tests.wait import until

ENABLE = "Enable the rule"


def enable_form(action, **options) -> Form:
    return action_button(ENABLE, "Enabling…", action, **options)


def raises(error: BaseException):
    def action(*_: object) -> View:
        raise error

    return action


@pytest.fixture
def shell():
    """An IPython session without a history, as a kernel has one; it is removed afterwards."""
    yield InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    InteractiveShell.clear_instance()


def test_a_result_is_shown_below_the_button_and_kept_for_the_static_twin():
    form = enable_form(lambda: Note("Enabled", "Your rule is on."))

    assert press(form, ENABLE) == "Enabled Your rule is on."
    assert 'role="status"' in form.message.value
    assert repr(form) == "Enabled: Your rule is on."


def test_an_expected_fault_is_shown_in_its_three_sentences():
    form = enable_form(raises(LabError("It was refused.", "The rule is gone.", "Create it again.", code="404")))

    words = press(form, ENABLE)

    assert 'role="alert"' in form.message.value
    assert "✕ It was refused. The rule is gone. Next Create it again." in words
    assert "404" in words
    assert RUN_THIS_CELL in repr(form)


def test_a_step_that_comes_first_is_shown_with_a_link_to_its_cell():
    error = StepNotReady("Complete “Your VPC” first.", step="vpc")
    form = enable_form(raises(error), link_to={"vpc": "#Your-VPC"}.__getitem__)

    assert "Go to that step" in press(form, ENABLE)
    assert 'href="#Your-VPC"' in form.message.value


def test_a_fault_of_the_lab_is_shown_by_its_type_and_logged_without_its_message(caplog):
    form = enable_form(raises(KeyError("a value that may be secret")))

    with caplog.at_level(logging.ERROR, logger="labkit"):
        words = press(form, ENABLE)

    assert "KeyError" in words
    assert "This is a bug in the lab" in words
    assert "in action" in caplog.text
    assert "may be secret" not in caplog.text + words


def test_an_interrupted_press_says_so_and_the_button_works_again():
    waits = iter([KeyboardInterrupt()])

    def call():
        for interrupt in waits:
            raise interrupt
        return Note("Done")

    form = action_button("Enable the rule", "Enabling…", call)

    shown = press(form, "Enable the rule")
    assert "Interrupted: “Enable the rule” stopped before its end." in shown and "Press the button again." in shown
    assert not form.buttons["Enable the rule"].disabled
    form._pressed = None
    assert "Done" in press(form, "Enable the rule")


def test_while_a_button_works_the_form_says_so_and_the_button_keeps_its_words_and_so_its_width():
    seen = {}

    def action() -> View:
        button = form.buttons[ENABLE]
        seen.update(disabled=button.disabled, description=button.description, message=message(form))
        return Note("Done")

    form = enable_form(action)
    form.message.value = "an older message"
    press(form, ENABLE)

    assert seen == {"disabled": True, "description": ENABLE, "message": "Enabling…"}
    assert (form.buttons[ENABLE].disabled, form.buttons[ENABLE].description) == (False, ENABLE)


def test_enter_in_a_field_presses_the_button_with_the_value_that_follows():
    given = []
    form = student_number_form(None, lambda typed: given.append(typed) or Note("Noted", typed))
    press_enter(form, "student number")
    form.fields["student number"].value = "7"  # JupyterLab says that Enter was pressed before it sends the value

    until(lambda: message(form) == "Noted 7")
    assert given == ["7"]


def test_the_second_half_of_a_double_click_does_nothing():
    done = []
    form = enable_form(lambda: done.append("enabled") or Note("Enabled"))
    for _ in range(2):
        form.buttons[ENABLE].click()

    assert done == ["enabled"]


def test_a_press_after_a_change_counts_however_soon_it_comes():
    given = []
    form = student_number_form(None, lambda typed: given.append(typed) or Note("Noted"))
    for typed in ("1000", "7"):
        form.fields["student number"].value = typed
        form.buttons["Use this number"].click()

    assert given == ["1000", "7"]


def test_a_refusal_goes_when_its_field_is_changed():
    form = student_number_form(None, raises(InvalidInput("No.", field="student_number")))
    press(form, "Use this number")
    form.fields["student number"].value = "7"

    assert message(form) == ""
    assert "With number 7" in all_words(form)


def test_a_result_takes_the_place_of_the_remarks_and_the_next_change_brings_them_back():
    form = student_number_form(7, lambda typed: Note("Noted"))
    press(form, "Use this number")
    assert all_words(form).split() == ["Noted"]

    form.fields["student number"].value = "8"
    assert all_words(form).strip().startswith("With number 8")


def test_nothing_that_changes_stands_above_a_button():
    """Else leaving a field, as a press on the button does, moves the button away from under the mouse."""
    form = student_number_form(7, lambda typed: Note("Noted"))
    parts = everything(form.box)

    assert all(parts.index(form.buttons["Use this number"]) < parts.index(one) for one in form.remarks.values())
    assert parts.index(form.buttons["Use this number"]) < parts.index(form.message)


@pytest.mark.parametrize("error", [LabError("It was refused."), KeyError("x")])
def test_a_button_can_be_pressed_again_after_a_fault(error):
    form = enable_form(raises(error))
    press(form, ENABLE)

    assert not form.buttons[ENABLE].disabled


def test_the_field_at_fault_gets_the_keyboard_focus(monkeypatch):
    form = student_number_form(None, raises(InvalidInput("No.", field="student_number")))
    focused = []
    monkeypatch.setattr(form.fields["student number"], "focus", lambda: focused.append("field"))
    monkeypatch.setattr(form.buttons["Use this number"], "focus", lambda: focused.append("button"))

    press(form, "Use this number")

    assert focused == ["button", "field"]


def test_a_click_in_another_thread_waits_for_the_holder_of_the_lock():
    form = enable_form(lambda: Note("Enabled"))
    with LOCK:
        thread = threading.Thread(target=form.buttons[ENABLE].click)
        thread.start()
        thread.join(0.2)
        assert form.message.value == ""
    until(lambda: message(form) == "Enabled")
    thread.join()


def test_the_names_that_follow_are_shown_as_soon_as_the_number_is_one():
    form = student_number_form(None, lambda typed: Note("Noted", typed))
    assert "Your rule" not in all_words(form)

    form.fields["student number"].value = "7"
    assert "Your VPC Self Protect Student7" in all_words(form)
    assert "Self Protect: Student7: Network" in all_words(form)

    form.fields["student number"].value = "1000"
    assert "Your rule" not in all_words(form)


def test_the_number_is_handed_over_as_typed():
    form = student_number_form(12, lambda typed: Note("Noted", typed))
    assert form.fields["student number"].value == "12"
    assert "So far: 12." in repr(form)

    form.fields["student number"].value = " 999x"
    assert press(form, "Use this number") == "Noted 999x"


def test_a_choice_hands_over_the_value_of_the_option():
    options = [("acl-7 of vpc-7", "acl-7"), ("acl-12 of vpc-12", "acl-12")]
    form = choice_form("Which one?", options, lambda value: Note("Chosen", value))
    assert "Which one?" in all_words(form)

    assert press(form, "acl-12 of vpc-12") == "Chosen acl-12"


def test_a_falsy_value_can_be_chosen():
    form = choice_form("Is it yours?", [("no", "")], lambda value: Note("Chosen", repr(value)))

    assert press(form, "no") == "Chosen &#39;&#39;"


def test_the_option_that_matters_asks_again_and_the_top_says_what_is_in_use():
    in_use = ["sandbox"]

    def use(chosen: str) -> Note:
        in_use[0] = chosen
        return Note("Switched")

    options = [("sandbox: here", "sandbox"), ("live: my account", "live")]
    form = backend_form(
        lambda: Note("In use", in_use[0]), options, use, ask="live", question=Note("Really?"), yes="Yes, really"
    )
    assert form.buttons["Yes, really"].layout.display == "none"
    assert press(form, "live: my account") == "Really?"
    assert in_use == ["sandbox"]
    assert form.buttons["Yes, really"].layout.display is None

    assert press(form, "Yes, really") == "Switched"
    assert all_words(form).startswith("In use live")
    assert form.buttons["Yes, really"].layout.display == "none"
    assert press(form, "sandbox: here") == "Switched"
    assert all_words(form).startswith("In use sandbox")


def test_a_form_of_ones_own_shows_what_is_known_at_its_top():
    form = Form(Note("Not yet", "A VPC without a tag is there."))
    form.put(form.add_button("Take it", "Taking…", lambda: Note("Taken")))

    assert all_words(form).startswith("Not yet A VPC without a tag is there.")
    assert press(form, "Take it") == "Taken"


def test_a_cell_displays_the_static_twin_and_then_the_form(shell):
    form = enable_form(lambda: ActionResult("Enabled"), known="It is off.")
    with capture_output() as captured:
        form._ipython_display_()
    twin, box = (output.data for output in captured.outputs)

    assert RUN_THIS_CELL in twin["text/html"]
    assert "It is off." in twin["text/html"]
    assert RUN_THIS_CELL in twin["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in box
    assert box["text/plain"] == ""


def test_the_static_twin_is_updated_with_the_result(shell):
    form = enable_form(lambda: ActionResult("Enabled"))
    with capture_output() as captured:
        form._ipython_display_()
        press(form, ENABLE)
    update = captured.outputs[-1]

    assert "✓ Enabled" in update.data["text/plain"]
    assert RUN_THIS_CELL not in update.data["text/html"]


def test_a_form_outside_a_notebook_prints_its_words(capsys):
    enable_form(lambda: Note("Enabled"))._ipython_display_()

    assert RUN_THIS_CELL in capsys.readouterr().out


def test_errors_and_results_can_be_displayed_in_a_cell(shell):
    with capture_output() as captured:
        show(Note("A remark"))
        show_error(StepNotReady("First things first.", step="vpc"), "#Your-VPC")

    assert [output.data["text/plain"] for output in captured.outputs] == ["A remark", "○ First things first."]
    assert 'href="#Your-VPC"' in captured.outputs[1].data["text/html"]


def test_a_progress_bar_moves(shell):
    with capture_output() as captured:
        bar = ProgressDisplay("Solving", 8)
        bar.move(3)

    assert [output.data["text/plain"] for output in captured.outputs] == [
        "Solving: 0 of 8 steps",
        "Solving: 3 of 8 steps",
    ]
    assert '<progress value="3" max="8" aria-label="Solving">' in captured.outputs[1].data["text/html"]
