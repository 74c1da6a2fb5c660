"""A recorded run replayed under another layout, provider or policy, with no call."""
