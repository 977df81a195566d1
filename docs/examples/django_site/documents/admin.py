from django.contrib import admin

from documents.models import Document


@admin.register(Document)
class DocumentAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # only its stubs take one
    autocomplete_fields = ("owner",)
    date_hierarchy = "received"
    list_display = ("title", "owner", "received")
    list_filter = ("owner",)
    search_fields = ("title",)
