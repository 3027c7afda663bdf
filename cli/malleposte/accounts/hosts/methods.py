"""The acts on all hosts as methods, under the names by which their callers know them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from malleposte.accounts.hosts import acts
from malleposte.accounts.hosts.table import Act


class ForAccountd(ABC):
    """The acts that accountd may ask for. Each method takes the arguments of the act, and returns its merged answer."""

    @abstractmethod
    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> M:
        """See table.Platform."""

    cut = acts.sessions.cut
    hold = acts.queue.hold
    carry = acts.mailbox.carry
    look = acts.mailbox.look
    deleted = acts.mailbox.deleted
    undelete = acts.mailbox.undelete
    kept_apart = acts.mailbox.kept_apart
    release = acts.mailbox.release
    senders = acts.mailbox.senders
    set_senders = acts.mailbox.set_senders
    hours = acts.mailbox.hours
    set_hours = acts.mailbox.set_hours
    archiving = acts.mailbox.archiving
    set_archiving = acts.mailbox.set_archiving
    undo_archiving = acts.mailbox.undo_archiving
    later = acts.mailbox.later
    set_later = acts.mailbox.set_later
    decide_later = acts.mailbox.decide_later
    tools = acts.mailbox.tools
    add_tool = acts.mailbox.add_tool
    renew_tool = acts.mailbox.renew_tool
    change_tool = acts.mailbox.change_tool
    try_tool = acts.mailbox.try_tool
    linked = acts.mailbox.linked
    owned_mail = acts.mailbox.owned_mail
    change_owned = acts.mailbox.change_owned
    set_owners = acts.mailbox.set_owners
    settle = acts.agendas.settle
    busy_times = acts.agendas.busy_times
    own_days = acts.agendas.own_days
    agenda_room = acts.agendas.agenda_room
    agendas_of = acts.agendas.agendas_of
    agenda_changes = acts.agendas.agenda_changes
    traces = acts.traces.traces
    untrace = acts.traces.untrace
    factors = acts.log_ins.factors
    unfactor = acts.log_ins.unfactor
    log_ins = acts.log_ins.log_ins
    end_log_in = acts.log_ins.end_log_in
    record = acts.record.record
    journal = acts.record.journal
    reports = acts.reports.reports
    trace = acts.deliveries.trace
    circulars = acts.deliveries.circulars
    circular = acts.deliveries.circular
    circular_part = acts.deliveries.circular_part
    circular_readers = acts.deliveries.circular_readers
    retractions = acts.retraction.retractions
    retraction = acts.retraction.retraction
    ask_retraction = acts.retraction.ask_retraction
    order_retraction = acts.retraction.order_retraction
    reports_of = acts.retraction.reports_of
    answer_reports = acts.retraction.answer_reports
    my_convocations = acts.convocations.my_convocations
    answer_convocation = acts.convocations.answer_convocation
    convoking_offices = acts.convocations.convoking_offices
    office_convocations = acts.convocations.office_convocations
    office_convocation = acts.convocations.office_convocation
    plan_convocation = acts.convocations.plan_convocation
    order_convocation = acts.convocations.order_convocation
    convocation_report = acts.convocations.convocation_report
    call_meeting = acts.convocations.call_meeting
    my_meetings = acts.convocations.my_meetings
    call_off_meeting = acts.convocations.call_off_meeting
    ask_poll = acts.convocations.ask_poll
    my_polls = acts.convocations.my_polls
    my_poll = acts.convocations.my_poll
    end_poll = acts.convocations.end_poll
    decide_poll = acts.convocations.decide_poll
    see_poll = acts.convocations.see_poll
    vote_poll = acts.convocations.vote_poll


class ForRoot(ForAccountd):
    """All acts."""

    close_many = acts.sessions.close_many
    queue = acts.queue.queue
    drop = acts.mailbox.drop
    hours_chosen = acts.mailbox.hours_chosen
    school_holidays = acts.upkeep.school_holidays
    learn_holidays = acts.upkeep.learn_holidays
    holders = acts.agendas.holders
    new_events = acts.agendas.new_events
    watched_agendas = acts.mailbox.watched_agendas
    unseen_events = acts.mailbox.unseen_events
    note_events = acts.mailbox.note_events
    enrolled = acts.log_ins.enrolled
    files = acts.contents.files
    empty = acts.contents.empty
    used = acts.unused.used
    clear = acts.unused.clear
    demand = acts.upkeep.ping
    relist = acts.upkeep.relist
    likeness = acts.deliveries.likeness
    copies = acts.retraction.copies
    seal = acts.retraction.seal
    unseal = acts.retraction.unseal
    stop = acts.retraction.stop
    note_retracted = acts.retraction.note_retracted
    file_convocations = acts.convocations.file_convocations
    convocation_replies = acts.convocations.convocation_replies
    submit_letter = acts.convocations.submit_letter
