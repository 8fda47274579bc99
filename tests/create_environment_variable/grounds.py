"""What checks of variables rest on beside their own statement, and which requirement owns it."""

from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.problem import Problem

from .operation import OPERATION
from .values import NAME, VALUE, difference

ID = "create_environment_variable.{}.{}".format
VALID = ID("answers", "valid_request_is_accepted")
SEEN = ID("list_and_delete", "created_variable_is_seen_by_name")
LISTED = ID("list_and_delete", "created_variable_is_in_the_list")
DELETED = ID("list_and_delete", "delete_is_answered_200")
STAYS_404 = ID("list_and_delete", "deleted_variable_is_404")
STAYS_LISTED = ID("list_and_delete", "deleted_variable_is_not_in_the_list")
LIST_SCHEMA = ID("list_and_delete", "lists_satisfy_the_schema")
SEEN_SCHEMA = ID("list_and_delete", "seen_variables_satisfy_the_schema")
THERE = ID("list_and_delete", "accepted_variables_are_there")
FREE = ID("list_and_delete", "name_is_free_after_a_delete")
REPLACED = ID("taken_names", "second_request_replaces_the_value_or_is_rejected")
ODD = ID("taken_names", "odd_new_values_replace_or_are_rejected")
EVERY_PLANE = ID("values", "every_plane_is_kept")
BESIDE = ID("many_at_once", "concurrent_requests_with_different_names_make_all")
SUCCESS = OPERATION.contract.success
key_of = OPERATION.key


def value_of(request):
    """The value that a request has."""
    return request.document[VALUE]


def given_accepted(answers):
    """Plain valid requests are accepted."""
    return given(answers, rests_on=VALID).is_accepted()


def given_looked(looks):
    """A variable is seen by its name."""
    return given(looks, rests_on=SEEN).has_status(SUCCESS)


def given_listed(look):
    """The list is answered, and can be read."""
    given(look.page, rests_on=LISTED).has_status(SUCCESS)
    return given_array(look.page)


def given_array(page):
    """A list that was answered can be read: it is an array."""
    return given(page, rests_on=LIST_SCHEMA).satisfies(
        lambda each: None if each.status != SUCCESS or isinstance(each.answer.json, list) else "it is no array",
        place="body",
    )


def given_found(target):
    """Plain variables are found by their names."""
    plain = target.plain_ones()
    given_accepted(plain.answers)
    given(plain.by_name, rests_on=SEEN).has_status(SUCCESS)


def given_listing(target):
    """The list has plain variables."""
    plain = target.plain_ones()
    given_accepted(plain.answers)
    given(plain.look.page, rests_on=LISTED).satisfies(why_not_in_the_list(target, plain.answers, plain.look))


def given_removals(target):
    """A variable that was seen, and is removed with nothing beside it, is gone: by its name and in the list."""
    made = target.send(target.order("a value that goes", label="a variable that goes"))
    given_accepted([made])
    name = key_of(made.request)
    target.send(target.at(name))
    given(target.send(target.removal(name)), rests_on=DELETED).has_status(SUCCESS)
    given(target.send(target.at(name, label="what was removed")), rests_on=STAYS_404).has_status(404)
    look = target.look()
    given_listed(look)
    there = look.having([name])[name]
    given(look.page, rests_on=STAYS_LISTED).satisfies(lambda _: "it is still in the list" if there else None)


def given_new_values(target):
    """A variable that nobody else touches has its new value, and after its removal that of its name's next request."""
    name = target.key()
    last = target.send(target.order("the first value of a name", name))
    given_accepted([last])
    for which, owner in (("second", REPLACED), ("third", ODD)):
        new = target.send(target.order(f"the {which} value of a name", name))
        given(new, rests_on=owner).has_status(SUCCESS, *REJECTIONS)
        last = new if new.status == SUCCESS else last
        given(target.send(target.at(name)), rests_on=owner).satisfies(why_not_the_value([last]))
    target.send(target.removal(name))
    back = target.send(target.order("the value of a name that was free again", name))
    given(back, rests_on=FREE).is_accepted()
    given(target.send(target.at(name)), rests_on=FREE).satisfies(why_not_the_value([back]))


def given_shown(target):
    """Values are shown, and plain ones as they were sent."""
    plain = target.plain_ones()
    given_accepted(plain.answers)
    if target.hides:
        raise NotApplicableError("the target never shows a value again: all are secret")
    given(plain.by_name, rests_on=SEEN).satisfies(why_not_the_value(plain.answers))
    given_listing(target)


def why_not_the_value(answers):
    """A judge: what keeps a look at one of the ``answers``' variables from showing the value that was sent."""
    wanted = {key_of(each.request): value_of(each.request) for each in answers}

    def judge(look):
        if look.status != SUCCESS:
            return f"expected {SUCCESS}, got {look.outcome}"
        name = next(name for name in wanted if look.request.target.endswith(f"/{name}"))
        told = difference(wanted[name], look.answer.document.get(VALUE))
        return Problem(told, VALUE) if told else None

    return judge


def why_not_in_the_list(target, answers, look):
    """A judge of the list's page: it has each of the ``answers``' variables, with the value that was sent."""
    wanted = {key_of(each.request): each.request for each in answers}
    listed = look.having(wanted)

    def judge(page):
        if page.status != SUCCESS:
            return f"expected {SUCCESS}, got {page.outcome}"
        for name, request in wanted.items():
            if not listed[name]:
                return Problem(f"the variable of {request.label} is not in the list", NAME)
            told = None if target.hides else difference(value_of(request), listed[name][-1])
            if told:
                return Problem(f"{request.label}: {told}", VALUE)
        return None

    return judge
