"""PostgreSQL: each service enters its own database by the Unix socket, and nobody else anything."""

import pytest

CHECK = "/usr/local/lib/malleposte/postgresql-check"


def ask(host, user, role, database, sql="SELECT current_user || '@' || current_database()"):
    """psql as a system user; the answer, or what was refused."""
    return host.run(f'runuser -u {user} -- psql -XAtq -h /run/postgresql -U {role} -d {database} -c "{sql}"')


@pytest.fixture(scope="module")
def passers_by(mail1):
    """A system user that is none of the database's."""
    mail1.run_test("useradd --system --no-create-home --shell /usr/sbin/nologin essai-sogo")
    yield "essai-sogo"
    mail1.run("userdel essai-sogo")


@pytest.mark.parametrize("name", ["roundcube"])
def test_a_service_enters_its_own_database(mail1, name):
    assert ask(mail1, name, name, name).stdout.strip() == f"{name}@{name}"


@pytest.mark.parametrize(("role", "database"), [("sogo", "sogo"), ("postgres", "postgres"), ("roundcube", "roundcube")])
def test_others_do_not(mail1, passers_by, role, database):
    refused = ask(mail1, passers_by, role, database)
    assert refused.rc != 0
    assert "authentication failed" in refused.stderr


@pytest.mark.parametrize("database", ["roundcube", "postgres", "template1"])
def test_an_owner_enters_no_other_database(mail1, database):
    # As the administrator, who may take any role: what refuses is the database, not the socket.
    granted = ask(
        mail1,
        "postgres",
        "postgres",
        "postgres",
        f"SELECT has_database_privilege('sogo', '{database}', 'CREATE')",
    )
    assert granted.stdout.strip() == "f"
    rules = ask(
        mail1,
        "postgres",
        "postgres",
        "postgres",
        "SELECT database FROM pg_hba_file_rules WHERE 'sogo' = ANY(user_name)",
    )
    assert rules.stdout.split() == ["{sogo}"]


def test_owners_are_plain_roles(mail1):
    sql = "SELECT count(*) FROM pg_roles WHERE rolcanlogin AND (rolsuper OR rolcreaterole OR rolcreatedb)"
    assert ask(mail1, "postgres", "postgres", "postgres", sql).stdout.strip() == "1"


def test_times_are_those_of_the_host(mail1):
    """The zone that the package found when it was installed is the one that its cluster keeps."""
    zone = mail1.check_output("readlink -f /etc/localtime").removeprefix("/usr/share/zoneinfo/")
    for name in ("timezone", "log_timezone"):
        assert ask(mail1, "postgres", "postgres", "postgres", f"SHOW {name}").stdout.strip() == zone


def test_nothing_listens_over_tcp(mail1):
    listening = mail1.check_output("ss -Hlntp")
    assert "sshd" in listening and "postgres" not in listening
    assert "postgres" in mail1.check_output("ss -Hlxp")


def test_pages_carry_checksums(mail1):
    assert ask(mail1, "postgres", "postgres", "postgres", "SHOW data_checksums").stdout.strip() == "on"


def test_texts_sort_as_in_french(mail1):
    sql = "SELECT string_agg(w, ' ' ORDER BY w) FROM unnest(ARRAY['Zoé', 'Élodie', 'Alain', 'Eva']) w"
    assert ask(mail1, "postgres", "postgres", "roundcube", sql).stdout.strip() == "Alain Élodie Eva Zoé"


@pytest.mark.parametrize("line", ["shared_buffers = many", "no_such_setting = 1"])
def test_a_refused_setting_is_found_before_it_replaces(mail1, line):
    folder = mail1.run("mktemp -d").stdout.strip()
    try:
        mail1.run_test(f"cp -r /etc/postgresql/17/main/. {folder}")
        mail1.run_test(f"echo '{line}' >> {folder}/conf.d/malleposte.conf")
        refused = mail1.run(f"{CHECK} {folder}")
        assert refused.rc == 1
        assert line.partition(" ")[0] in refused.stderr
    finally:
        mail1.run(f"rm -rf {folder}")
    assert mail1.run(f"{CHECK} /etc/postgresql/17/main").rc == 0


def test_a_broken_list_of_who_enters_is_found(mail1):
    path = "/etc/postgresql/17/main/pg_hba.conf"
    mail1.run_test(f"cp -p {path} /root/pg_hba.kept")
    try:
        mail1.run_test(f"echo 'local all all peers' >> {path}")
        refused = mail1.run(CHECK)
        assert refused.rc == 1
        assert "peers" in refused.stderr
    finally:
        mail1.run_test(f"mv /root/pg_hba.kept {path}")
    assert mail1.run(CHECK).rc == 0
