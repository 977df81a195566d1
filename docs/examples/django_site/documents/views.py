from django.contrib.admin.views.decorators import staff_member_required
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404

from documents.models import Document


@staff_member_required
def upload(request: HttpRequest, name: str) -> FileResponse:
    """Send an uploaded file to be kept: what people upload is never shown as a page of this site."""
    return FileResponse(get_object_or_404(Document, file=name).file.open(), as_attachment=True)
