"""What happens outside of a chat, and is told in it: the admin, a tool or a task calls this."""

from django_chatkit.context import ChatKitContext
from django_chatkit.events import cite
from django_chatkit.models import Thread

from .entities import OrderEntity
from .models import Order


def ship(order: Order) -> bool:
    """Send an order off, and tell its customer in the newest conversation, or a new one."""
    packing = Order.objects.filter(pk=order.pk, status=Order.Status.PACKING)
    if not packing.update(status=Order.Status.SHIPPED):
        return False
    newest = Thread.objects.filter(user=order.owner, server="default").first()
    thread = newest or Thread.objects.create_for(order.owner, title=f"Order {order.number}")
    source = cite(OrderEntity.mention(order, ChatKitContext(user=order.owner)))
    text = f"Good news: order {order.number} is on its way."
    thread.post_assistant_message(text, annotations=[source], key=f"order-{order.number}-shipped")
    thread.post_notice("It takes two days.", title=f"Order {order.number}")
    return True
