from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandParser, call_command
from django.utils.crypto import get_random_string


class Command(BaseCommand):
    help = "Serve the site on this machine, with a database and somebody who may sign in to the admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", default="8000")

    def handle(self, *, port: str, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        users = get_user_model().objects
        if not users.exists():
            password = get_random_string(16)
            users.create_superuser("jane", password=password)
            self.stdout.write(f"Sign in as jane with {password}")
        self.stdout.write(f"Open http://localhost:{port}/admin/")
        # Static files go through secmw too: see urls.py.
        call_command("runserver", f"localhost:{port}", use_reloader=False, use_static_handler=False)
