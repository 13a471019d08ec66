"""A CSV list is read line by line; faults name the column and never quote a cell."""

from services.allocation.caseload.worker import WorkerEntry
from services.allocation.caseload.worker_list import Line, read_workers

HEADER = "worker_id,hub_id,worker_role,areas,host_setting,cap,revision\n"


def test_each_good_line_is_an_entry_and_each_bad_one_has_all_its_faults() -> None:
    text = HEADER + (
        "wk_one,hub_north,hub_worker,northtown westby,hub,20,\n"
        "wk_two,hub_north,teacher,,hub,many,x\n"
        "wk_three,hub_north,spoke_worker,northtown;westby,police,,3\n"
    )

    (one, two, three), faults = read_workers(text)

    assert faults == ()
    assert one.entry is not None
    assert (one.number, one.entry.areas, one.entry.cap) == (2, ("northtown", "westby"), 20)
    assert two.number == 3
    assert set(two.faults) == {
        "revision: not_a_number",
        "worker_role: literal_error",
        "areas: missing",
        "cap: int_parsing",
    }
    assert three.entry is not None
    assert (three.revision, three.entry.cap, three.entry.areas) == (
        3,
        None,
        ("northtown", "westby"),
    )


def test_a_file_with_a_faulty_header_is_refused_whole_without_quoting_it() -> None:
    lines, faults = read_workers("worker_id,hub_id,Jane Example,hub_id\nwk_one,a,b,c\n")

    assert lines == []
    assert set(faults) == {
        "worker_role: column_missing",
        "areas: column_missing",
        "host_setting: column_missing",
        "column 3: unknown",
        "header: column_twice",
    }


def test_too_many_or_too_few_cells_and_the_same_worker_twice_are_faults_of_the_line() -> None:
    good = "wk_one,hub_north,hub_worker,northtown,hub,20,\n"

    lines, _ = read_workers(HEADER + good + "wk_two,hub_north\n" + good.strip() + ",,\n" + good)

    assert [line.faults for line in lines] == [
        (),
        ("line: wrong_number_of_cells",),
        ("line: wrong_number_of_cells",),
        ("worker_id: twice_in_this_file",),
    ]


def test_a_byte_order_mark_is_fine_and_an_endless_file_is_not() -> None:
    line = "wk_{},hub_north,hub_worker,northtown,hub,20,\n"

    assert read_workers("\ufeff" + HEADER + line.format(1))[0][0].entry is not None
    endless = HEADER + "".join(line.format(n) for n in range(11))
    assert read_workers(endless, most=10) == ([], ("file: too_many_lines",))
    assert read_workers("")[1][0] == "worker_id: column_missing"


def test_a_line_is_read_whole_and_a_faulty_one_keeps_nothing() -> None:
    header = "worker_id,hub_id,worker_role,areas,host_setting,cap,revision,languages,times,active\n"
    text = header + (
        " wk_one , hub_north,hub_worker,northtown; westby,hub,,7,bsl urdu,evenings;weekends,false\n"
        ",hub_north,hub_worker,northtown,hub,,\u00b2,,,\n"
        "wk_two,hub_north,hub_worker,northtown,hub\n"
        "wk_one,hub_north,hub_worker,northtown,hub,,-1,,,\n"
    )

    lines, faults = read_workers(text)

    assert faults == ()
    one = WorkerEntry.model_validate(
        {
            "hub_id": "hub_north",
            "worker_role": "hub_worker",
            "areas": ["northtown", "westby"],
            "host_setting": "hub",
            "languages": ["bsl", "urdu"],
            "times": ["evenings", "weekends"],
            "active": False,
        }
    )
    assert lines == [
        Line(2, "wk_one", one, 7, ()),
        Line(3, None, None, None, ("revision: not_a_number", "worker_id: string_pattern_mismatch")),
        Line(4, None, None, None, ("line: wrong_number_of_cells",)),
        Line(5, None, None, None, ("revision: not_a_number", "worker_id: twice_in_this_file")),
    ]


def test_a_list_without_the_column_of_revisions_only_adds() -> None:
    (line,), _ = read_workers(HEADER.replace(",revision", "") + "wk_a,hub_a,hub_worker,x,hub,\n")

    assert (line.worker_id, line.revision, line.faults) == ("wk_a", None, ())
