"""What follows a prediction: calibration, prediction sets, abstaining."""

__all__ = []
