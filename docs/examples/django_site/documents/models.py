from django.conf import settings
from django.db import models


class Document(models.Model):
    title = models.CharField(max_length=100)
    file = models.FileField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT)
    received = models.DateField()

    def __str__(self) -> str:
        return self.title
